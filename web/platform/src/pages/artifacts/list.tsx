import { PageHeader } from "../../components/page-header";

const Page = () => <PageHeader title="list" />;

export default Page;
