import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="data" />;

export default Page;
