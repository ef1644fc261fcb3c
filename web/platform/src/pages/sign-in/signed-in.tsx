import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="signed-in" />;

export default Page;
